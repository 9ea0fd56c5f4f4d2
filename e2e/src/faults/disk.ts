import { mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exec } from "@jichat/testkit/exec.ts";

const IMAGE_BYTES = 402_653_184;

async function must(program: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await exec(program, args);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr.trim()}`);
}

/**
 * FS_IOC_SHUTDOWN with FSOP_GOING_FLAGS_NOLOGFLUSH: from then on nothing reaches the disk, not even the
 * journal.
 */
const SHUT_DOWN = `import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack("I", 2))`;

/** The disk of one host: a separate ext4 image, whose power can be cut and which can be full. */
export class Disk {
  readonly folder: string;
  readonly #image: string;

  private constructor(image: string, folder: string) {
    this.#image = image;
    this.folder = folder;
  }

  /** In a separate mount namespace, the mount ends with the last process, and so does its loop device. */
  static async make(data: string, name: string): Promise<Disk> {
    const disk = new Disk(join(data, `${name}.img`), join(data, name));
    writeFileSync(disk.#image, "");
    truncateSync(disk.#image, IMAGE_BYTES);
    mkdirSync(disk.folder);
    await must("mkfs.ext4", ["-q", "-m", "0", disk.#image]);
    await disk.mount();
    return disk;
  }

  async mount(): Promise<void> {
    await must("mount", ["-o", "loop", this.#image, this.folder]);
  }

  async unmount(): Promise<void> {
    await must("umount", [this.folder]);
  }

  /**
   * Loses everything that was not synced. Processes that use the disk must end before it can be mounted
   * again.
   */
  async cutPower(): Promise<void> {
    await must("python3", ["-c", SHUT_DOWN, this.folder]);
  }

  /** Fills the disk to the last byte. */
  async fill(): Promise<void> {
    // dd ends when there is no space, as intended. The rest is smaller than one of its blocks.
    for (const block of ["bs=1M", "bs=4k"])
      await exec("dd", ["if=/dev/zero", `of=${this.#ballast}`, block, "oflag=append", "conv=notrunc"]);
  }

  free(): void {
    rmSync(this.#ballast, { force: true });
  }

  get #ballast(): string {
    return join(this.folder, "ballast");
  }
}
