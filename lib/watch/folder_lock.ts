/**
 * A folder that one process works in → a lock that others see, on this machine and on others, and that
 * is taken over when its holder has died.
 *
 * Each contender has a file of its own, `watch-<id>.lock`, with its host, its process and the time of its
 * last sign of life. It holds the lock when no other such file is alive. So nobody ever renames or
 * removes the file of a living one, and taking over needs nothing that is atomic but the creation of a
 * file.
 *
 * @module
 */
import { delay } from "jsr:@std/async@^1.1.0";

/** Who holds a lock. */
export interface LockHolder {
  host: string;
  pid: number;
  /** Of its last sign of life: UTC, ISO 8601. */
  time: string;
}

/** A contender for a lock. */
export type Contender = Omit<LockHolder, "time">;

/** A sign of life is given this often. */
export const BEAT_MS = 60_000;

/** A holder without a sign of life for this long has died. The clocks of machines may differ by less. */
export const DEAD_AFTER_MS = 5 * 60_000;

const LOCK_NAME = /^watch-[0-9a-f-]{36}\.lock$/;
const MAX_ATTEMPTS = 4;

/** A lock that is held. */
export class FolderLock implements Disposable {
  private constructor(
    private readonly path: string,
    private readonly file: Deno.FsFile,
    private readonly contender: Contender,
  ) {}

  /**
   * Tries to lock a folder, which must be there. Removes the files of dead holders.
   *
   * @param nowMs the clock.
   * @returns the lock, or who holds it.
   */
  static async acquire(
    folder: string,
    contender: Contender,
    nowMs: () => number,
  ): Promise<FolderLock | LockHolder> {
    for (let attempt = 1;; attempt++) {
      const [holder] = await findAlive(folder, contender.host, nowMs());
      if (holder) return holder;
      const lock = await FolderLock.#create(folder, contender, nowMs());
      const [other] = await findAlive(folder, contender.host, nowMs(), lock.path);
      if (!other) {
        await removeDead(folder, lock.path);
        return lock;
      }
      // Both came at the same time: both step back.
      lock[Symbol.dispose]();
      if (attempt === MAX_ATTEMPTS) return other;
      await delay(20 * Math.random() * attempt);
    }
  }

  static async #create(folder: string, contender: Contender, nowMs: number): Promise<FolderLock> {
    const path = `${folder}/watch-${crypto.randomUUID()}.lock`;
    const file = await Deno.open(path, { write: true, createNew: true });
    // On this machine the lock of the file shows at once that its holder has died.
    await file.lock(true).catch(() => {});
    const lock = new FolderLock(path, file, contender);
    await lock.#write(nowMs);
    return lock;
  }

  /**
   * Gives a sign of life.
   *
   * @returns whether the lock is still held: not when another process took this one for dead, as it may
   *   a machine that was suspended.
   */
  async beat(nowMs: number): Promise<boolean> {
    const isThere = await Deno.stat(this.path).then(() => true, () => false);
    if (isThere) await this.#write(nowMs);
    return isThere;
  }

  /** In one call and always of the same length, so that no reader sees a part. */
  async #write(nowMs: number): Promise<void> {
    const holder: LockHolder = { ...this.contender, time: new Date(nowMs).toISOString() };
    await this.file.seek(0, Deno.SeekMode.Start);
    await this.file.write(new TextEncoder().encode(`${JSON.stringify(holder)}\n`));
  }

  /** Releases the lock. */
  [Symbol.dispose](): void {
    try {
      Deno.removeSync(this.path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    } finally {
      this.file.close();
    }
  }
}

/** Contenders that are alive. */
async function findAlive(
  folder: string,
  host: string,
  nowMs: number,
  own?: string,
): Promise<LockHolder[]> {
  const holders: LockHolder[] = [];
  for (const path of await listLocks(folder, own)) {
    const holder = await readHolder(path);
    if (holder && !await isDead(path, holder, host, nowMs)) holders.push(holder);
  }
  return holders;
}

async function listLocks(folder: string, own?: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.filter(({ isFile, name }) => isFile && LOCK_NAME.test(name))
    .map(({ name }) => `${folder}/${name}`).filter((path) => path !== own);
}

const UNKNOWN: Contender = { host: "unknown", pid: 0 };

/** `undefined` for a file that is gone. One without text is just being made, or its maker was killed. */
async function readHolder(path: string): Promise<LockHolder | undefined> {
  try {
    const { mtime } = await Deno.stat(path);
    const text = await Deno.readTextFile(path).catch(() => "");
    const time = (mtime ?? new Date()).toISOString();
    try {
      const holder: LockHolder = { ...UNKNOWN, time, ...JSON.parse(text) };
      return Number.isNaN(Date.parse(holder.time)) ? { ...holder, time } : holder;
    } catch {
      return { ...UNKNOWN, time };
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function isDead(
  path: string,
  { time, host }: LockHolder,
  ownHost: string,
  nowMs: number,
): Promise<boolean> {
  const ageMs = nowMs - Date.parse(time);
  if (ageMs > DEAD_AFTER_MS) return true;
  // Here the clock may have been set back since; elsewhere a holder with such a clock would never die.
  return host === ownHost ? await isReleased(path) : ageMs < -DEAD_AFTER_MS;
}

/** Whether the process that locked a file of this machine has ended, as far as there are locks. */
async function isReleased(path: string): Promise<boolean> {
  try {
    using file = await Deno.open(path);
    return await file.tryLock(true);
  } catch {
    return false;
  }
}

/** Those of dead holders are left: with the lock held, nobody else is alive. */
async function removeDead(folder: string, own: string): Promise<void> {
  for (const path of await listLocks(folder, own)) await Deno.remove(path).catch(() => {});
}
