# Installs dat @VERSION@ for you alone, without being administrator:   irm URL/install.ps1 | iex
#   $env:DAT_BASE_URL     where the files are: a URL, or a folder (default: where they were published, or beside this file)
#   $env:DAT_INSTALL_DIR  where it goes (default: %LOCALAPPDATA%\Programs\dat)
# As a file it also takes -Uninstall, which removes the program and leaves all data.
param([switch]$Uninstall)

function Install-Dat([string]$Beside, [switch]$Uninstall) {
  $ErrorActionPreference = 'Stop'
  $ProgressPreference = 'SilentlyContinue' # it makes downloads slow in PowerShell 5
  $version = '@VERSION@'
  $baseUrl = '@BASE_URL@'
  $sums = @'
@SUMS@
'@
  $root = if ($env:DAT_INSTALL_DIR) { $env:DAT_INSTALL_DIR } else { Join-Path $env:LOCALAPPDATA 'Programs\dat' }

  # Entries of the user's PATH, as they are written there: without replacing variables in them.
  function Get-UserPath {
    $key = [Microsoft.Win32.Registry]::CurrentUser.OpenSubKey('Environment')
    $text = $key.GetValue('Path', '', 'DoNotExpandEnvironmentNames')
    @($text -split ';' | Where-Object { $_ -and -not $_.StartsWith("$root\") })
  }
  function Set-UserPath([string[]]$entries) {
    $key = [Microsoft.Win32.Registry]::CurrentUser.OpenSubKey('Environment', $true)
    $key.SetValue('Path', ($entries -join ';'), 'ExpandString')
    # Tells other programs; setting any variable does.
    [Environment]::SetEnvironmentVariable('DAT_INSTALLER', $null, 'User')
  }
  # Folders of other versions; one whose program runs cannot be removed now, and stays until the next time.
  function Remove-Versions([string]$Except) {
    if (-not (Test-Path $root)) { return }
    Get-ChildItem $root -Directory | Where-Object { $_.Name -ne $Except -and (Test-Path (Join-Path $_.FullName 'dat.exe')) } |
      ForEach-Object {
        try {
          # A running program cannot be deleted: seen here before anything else is gone.
          Remove-Item (Join-Path $_.FullName 'node.exe') -Force
          Remove-Item $_.FullName -Recurse -Force
        } catch { Write-Host "Kept, as it is running: $($_.TargetObject)" }
      }
  }

  if ($Uninstall) {
    Set-UserPath (Get-UserPath)
    Remove-Versions
    if ((Test-Path $root) -and -not (Get-ChildItem $root)) { Remove-Item $root }
    Write-Host 'dat is removed. Your data stays where it is: the folders that you shared or downloaded, with .dat in each of them.'
    return
  }

  if (-not [Environment]::Is64BitOperatingSystem) { throw 'there is no build for 32 bits' }
  $file = "dat-$version-win32-x64.zip"
  $want = ($sums -split "`n" | ForEach-Object { $_.Trim() } | Where-Object { $_.EndsWith("  $file") }) -replace ' .*', ''
  if (-not $want) { throw "this release has no $file" }
  $base = $env:DAT_BASE_URL
  if (-not $base -and $Beside -and (Test-Path (Join-Path $Beside $file))) { $base = $Beside }
  if (-not $base) { $base = $baseUrl }
  if (-not $base) { throw "name the folder or URL that has $file in `$env:DAT_BASE_URL" }

  $work = Join-Path $root ".new-$PID"
  New-Item -ItemType Directory -Force $work | Out-Null
  try {
    $zip = Join-Path $work $file
    Write-Host "Getting dat $version from $base"
    if ($base -match '^https?://') {
      [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
      Invoke-WebRequest -UseBasicParsing "$($base.TrimEnd('/'))/$file" -OutFile $zip
    } else {
      Copy-Item (Join-Path ($base -replace '^file:///?', '') $file) $zip
    }
    $got = (Get-FileHash -Algorithm SHA256 $zip).Hash.ToLowerInvariant()
    if ($got -ne $want) { throw "$base/$file is damaged, or not what was released: its checksum is wrong" }
    Expand-Archive $zip $work
    $unpacked = Join-Path $work "dat-$version-win32-x64"
    & (Join-Path $unpacked 'dat.exe') --version | Out-Null
    if ($LASTEXITCODE -ne 0) { throw 'the program does not start on this computer' }
    $name = "$version-$($want.Substring(0, 8))"
    $place = Join-Path $root $name
    if (-not (Test-Path (Join-Path $place 'dat.exe'))) { Move-Item $unpacked $place }
    Set-UserPath (@($place) + @(Get-UserPath))
    $env:Path = "$place;$env:Path"
    Remove-Versions -Except $name
    Write-Host "dat $version is installed: $place\dat.exe"
    Write-Host 'Try it in a new terminal: dat share FOLDER'
  } finally {
    Remove-Item $work -Recurse -Force -ErrorAction SilentlyContinue
  }
}

# The last line, so that half a download does nothing.
Install-Dat -Beside $PSScriptRoot -Uninstall:$Uninstall
