import { execFile } from 'node:child_process'

const ASK_MS = 2000

/** Why a process in the background may end all the same, and what to do; null if nothing is known against it. */
export async function whyItMayEnd(env: NodeJS.ProcessEnv): Promise<string | null> {
  const job = env.SLURM_JOB_ID ?? env.PBS_JOBID ?? env.LSB_JOBID
  if (job) return `this is inside job ${job}: it ends with the job. To share for longer, start it on a login node.`
  if (process.platform !== 'linux' || !(await killsAtLogout())) return null
  return 'this computer ends all programs of a user at logout: use `dat service install`.'
}

/** What systemd-logind does with processes whose session ends: KillUserProcesses in logind.conf(5). */
async function killsAtLogout(): Promise<boolean> {
  const object = ['org.freedesktop.login1', '/org/freedesktop/login1', 'org.freedesktop.login1.Manager']
  const args = ['--system', 'get-property', ...object, 'KillUserProcesses']
  return new Promise((resolve) => {
    execFile('busctl', args, { timeout: ASK_MS }, (error, stdout) => resolve(!error && stdout.trim() === 'b true'))
  })
}
