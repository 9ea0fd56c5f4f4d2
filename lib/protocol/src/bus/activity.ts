import { decodeInner, encodeInner } from "./wire.ts";

/** A push worker asks a connector about the sessions that it holds of these users. */
export interface ActivityQuestion {
  readonly v: 1;
  readonly users: readonly string[];
}

/** A live session of a user that was asked for. */
export interface DeviceActivity {
  readonly user: string;
  readonly device: string;
  /** Whether somebody looks at it: as its `state` said, else for 60 s after its last frame of its own. */
  readonly isActive: boolean;
}

export interface ActivityAnswer {
  readonly v: 1;
  readonly devices: readonly DeviceActivity[];
}

/** Most users of one question. */
export const ACTIVITY_USERS_MAX = 1_000;

export const encodeActivityQuestion = (users: readonly string[]): Uint8Array =>
  encodeInner<ActivityQuestion>({ v: 1, users });
export const decodeActivityQuestion = (bytes: Uint8Array): ActivityQuestion =>
  decodeInner<ActivityQuestion>(bytes, "a question about activity");
export const encodeActivityAnswer = (devices: readonly DeviceActivity[]): Uint8Array =>
  encodeInner<ActivityAnswer>({ v: 1, devices });
export const decodeActivityAnswer = (bytes: Uint8Array): ActivityAnswer =>
  decodeInner<ActivityAnswer>(bytes, "an answer about activity");
