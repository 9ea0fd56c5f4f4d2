/** What is known of a canary. One that has not said anything yet is `proving`. */
export interface CanaryVerdict {
  readonly state: "proving" | "proven" | "failed";
  readonly message: string;
}
