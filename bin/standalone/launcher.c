// dat.exe: starts node.exe with app\bin\dat.js of its own folder and the same arguments, and passes the exit code on.
#define _WIN32_WINNT 0x0601
#include <windows.h>
#include <wchar.h>

#define PATH_CHARS 32768
#define COMMAND_CHARS (2 * PATH_CHARS)

// Ctrl-C reaches the child too, which ends by itself.
static BOOL WINAPI leave_to_child(DWORD type) {
  (void)type;
  return TRUE;
}

// What follows the program's name in a command line, with the quotes as they were typed.
static const wchar_t *arguments(const wchar_t *at) {
  if (*at == L'"') {
    for (at++; *at && *at != L'"'; at++) {}
    return *at ? at + 1 : at;
  }
  while (*at && *at != L' ' && *at != L'\t') at++;
  return at;
}

static int fail(const char *what) {
  DWORD written;
  WriteFile(GetStdHandle(STD_ERROR_HANDLE), what, (DWORD)lstrlenA(what), &written, NULL);
  return 127;
}

int wmain(void) {
  static wchar_t folder[PATH_CHARS], command[COMMAND_CHARS];
  DWORD length = GetModuleFileNameW(NULL, folder, PATH_CHARS);
  if (length == 0 || length >= PATH_CHARS) return fail("dat: this folder's name is too long\r\n");
  wchar_t *end = wcsrchr(folder, L'\\');
  if (!end) return fail("dat: cannot find its own folder\r\n");
  end[1] = 0;
  int count = _snwprintf(command, COMMAND_CHARS, L"\"%lsnode.exe\" \"%lsapp\\bin\\dat.js\"%ls", folder, folder,
                         arguments(GetCommandLineW()));
  if (count < 0 || count >= COMMAND_CHARS) return fail("dat: the command line is too long\r\n");

  // What was meant for other programs must not reach this one.
  SetEnvironmentVariableW(L"NODE_OPTIONS", NULL);
  SetEnvironmentVariableW(L"NODE_PATH", NULL);
  SetEnvironmentVariableW(L"OPENSSL_CONF", NULL);
  SetConsoleCtrlHandler(leave_to_child, TRUE);

  // Who ends dat.exe ends node.exe with it: by the job, which ends with its last handle. Made before the child can run.
  // What node.exe starts is not in it: a share in the background goes on.
  HANDLE job = CreateJobObjectW(NULL, NULL);
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits;
  ZeroMemory(&limits, sizeof limits);
  limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK;
  if (job) SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);

  STARTUPINFOW startup;
  PROCESS_INFORMATION child;
  GetStartupInfoW(&startup);
  if (!CreateProcessW(NULL, command, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL, &startup, &child)) {
    return fail("dat: could not start node.exe, which belongs beside dat.exe\r\n");
  }
  if (job) AssignProcessToJobObject(job, child.hProcess);
  ResumeThread(child.hThread);
  WaitForSingleObject(child.hProcess, INFINITE);
  DWORD code = 1;
  GetExitCodeProcess(child.hProcess, &code);
  return (int)code;
}
