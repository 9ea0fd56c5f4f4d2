import type { DeviceActivity } from "@jichat/protocol/bus/activity.ts";
import type { Session } from "./session.ts";

/** How long a session counts as active after its last frame of its own, if it does not say what it is. */
const ACTIVE_MS = 60_000;

type Acting = Pick<Session, "acted" | "actedAt" | "saidActive">;

/** Notes when a session has acted, at the sweep behind it. `awake` is in ms, without suspension. */
export function sweepActed(session: Acting & { acted: boolean; actedAt: number }, awake: number): void {
  if (!session.acted) return;
  session.acted = false;
  session.actedAt = awake;
}

/** Whether somebody looks at it: as its `state` said, else if it has acted lately. */
export const isActive = ({ acted, actedAt, saidActive }: Acting, awake: number): boolean =>
  saidActive ?? (acted || awake - actedAt <= ACTIVE_MS);

/** The live sessions of `users`. */
export function activityOf(
  users: readonly string[],
  hub: {
    of(user: string): readonly (Acting & Pick<Session, "device" | "isLive">)[];
  },
  awake: number,
): DeviceActivity[] {
  return users.flatMap((user) =>
    hub
      .of(user)
      .filter(({ isLive }) => isLive)
      .map((session) => ({ user, device: session.device, isActive: isActive(session, awake) })),
  );
}
