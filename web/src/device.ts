const KEY = "jichat-device";
const CHANNEL = "jichat-device";
/** How long a tab waits for another one to say that it has the same device. */
const ANSWER_MS = 120;

type Said =
  | { readonly t: "who"; readonly device: string; readonly tab: string }
  | { readonly t: "mine"; readonly tab: string };

/** `crypto.randomUUID` would do, but a browser has it only over HTTPS and on localhost. */
export const randomName = (): string =>
  [...crypto.getRandomValues(new Uint8Array(6))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** A new name for the device of this tab, in place of the one that it had. */
export function newDevice(): string {
  const device = `web-${randomName()}`;
  sessionStorage.setItem(KEY, device);
  return device;
}

/**
 * The device of this tab, the same after a reload. Each tab is a device of its own, so that two tabs work
 * side by side. A browser that duplicates a tab copies its storage too, and the two would end each other's
 * session for ever: so a tab asks the others first, and takes a new name if one of them has its device.
 */
export async function deviceOfTab(): Promise<string> {
  const known = sessionStorage.getItem(KEY);
  const device = known === null || (await isTaken(known)) ? newDevice() : known;
  answerFor(device);
  return device;
}

async function isTaken(device: string): Promise<boolean> {
  const tab = randomName();
  const channel = new BroadcastChannel(CHANNEL);
  const answer = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => {
    answer.resolve(false);
  }, ANSWER_MS);
  channel.addEventListener("message", ({ data }: MessageEvent<Said>) => {
    if (data.t === "mine" && data.tab === tab) answer.resolve(true);
  });
  channel.postMessage({ t: "who", device, tab } satisfies Said);
  try {
    return await answer.promise;
  } finally {
    clearTimeout(timer);
    channel.close();
  }
}

let answering: BroadcastChannel | undefined;

/** Tells tabs that ask from now on that this one has the device. */
function answerFor(device: string): void {
  answering?.close();
  answering = new BroadcastChannel(CHANNEL);
  const channel = answering;
  channel.addEventListener("message", ({ data }: MessageEvent<Said>) => {
    if (data.t === "who" && data.device === device)
      channel.postMessage({ t: "mine", tab: data.tab } satisfies Said);
  });
}
