import type { IntakeLimits } from "./intake.ts";
import { Intake } from "./intake.ts";
import type { Session } from "./session.ts";
import type { AddressBudget } from "./address-budget.ts";
import type { FlushScheduler } from "./flush-scheduler.ts";

export interface IntakeParts {
  readonly intakeLimits: IntakeLimits;
  readonly turn: Pick<FlushScheduler, "monotonic" | "ordinal">;
  /** Undefined if the addresses have no limit of their own. */
  readonly addressBudget: Pick<AddressBudget, "of" | "spend"> | undefined;
}

/** The socket's intake, created with its first frame. */
export const intakeOf = ({ intakeLimits, turn, addressBudget }: IntakeParts, session: Session): Intake =>
  (session.intake ??= new Intake(intakeLimits, turn, session.birth.address, addressBudget));
