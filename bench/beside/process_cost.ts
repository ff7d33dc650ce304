/**
 * What a command costs with all processes that it starts: time, processor time and memory. Linux only:
 * they are read from `/proc`.
 *
 * @module
 */

/** Time and memory of a command and its descendants. */
export interface ProcessCost {
  wallSeconds: number;
  /** User and system time of all of them. */
  processorSeconds: number;
  /**
   * Largest sum at one time: the memory of each process that is its own, and once the files that the
   * largest of them maps, as processes of one program share them.
   */
  peakBytes: number;
}

/** A process that lives shorter is seen by its processor time alone. */
const POLL_MS = 50;
/** Of `/proc/<pid>/stat`: the unit of Linux in which it tells times, on all machines. */
const TICKS_A_SECOND = 100;

/**
 * Runs a command to its end. No other child of this process may end meanwhile: their processor times
 * are one sum.
 *
 * @param argv program and arguments.
 * @throws {Error} with its whole output if it does not exit with 0.
 */
export async function runCommand(argv: readonly string[]): Promise<ProcessCost> {
  const before = readChildrenSeconds();
  const start = performance.now();
  const [program, ...args] = argv;
  const command = new Deno.Command(program!, { args, stdout: "piped", stderr: "piped" });
  const process = command.spawn();
  let peakBytes = 0;
  const timer = setInterval(() => {
    peakBytes = Math.max(peakBytes, readTreeBytes(process.pid));
  }, POLL_MS);
  const { code, stdout, stderr } = await process.output();
  const wallSeconds = (performance.now() - start) / 1000;
  clearInterval(timer);
  if (code !== 0) {
    const printed = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
    throw new Error(`${argv.join(" ")} ended with exit code ${code}:\n${printed}`);
  }
  return { wallSeconds, processorSeconds: readChildrenSeconds() - before, peakBytes };
}

/** Processor time of all children that ended, and of those that they waited for. */
export function readChildrenSeconds(): number {
  const stat = Deno.readTextFileSync("/proc/self/stat");
  // The second field, the name, may hold anything; 16 and 17 are cutime and cstime of proc(5).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) / TICKS_A_SECOND;
}

/** Memory of a process and its descendants now; 0 after their end. */
function readTreeBytes(root: number): number {
  let own = 0;
  let files = 0;
  const waiting = [root];
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    const status = readProcFile(`/proc/${pid}/status`);
    own += readKilobytes(status, "RssAnon") + readKilobytes(status, "RssShmem");
    files = Math.max(files, readKilobytes(status, "RssFile"));
    waiting.push(...findChildren(pid));
  }
  return (own + files) * 1024;
}

/** Children that any thread of a process started. */
function findChildren(pid: number): number[] {
  const threads = unlessOver(() => [...Deno.readDirSync(`/proc/${pid}/task`)], []);
  return threads.flatMap(({ name }) =>
    readProcFile(`/proc/${pid}/task/${name}/children`).split(" ").filter(Boolean).map(Number)
  );
}

function readKilobytes(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, "m").exec(status)?.[1] ?? 0);
}

function readProcFile(path: string): string {
  return unlessOver(() => Deno.readTextFileSync(path), "");
}

/** What is read of a process or thread, or another value when that ended. */
function unlessOver<Read>(read: () => Read, otherwise: Read): Read {
  try {
    return read();
  } catch (error) {
    // ESRCH: it ended between opening and reading.
    const isOver = error instanceof Deno.errors.NotFound || /os error 3\b/.test(String(error));
    if (isOver) return otherwise;
    throw error;
  }
}
