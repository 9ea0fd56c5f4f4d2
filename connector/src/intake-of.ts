import type { IntakeLimits } from "./intake.ts";
import { Intake } from "./intake.ts";
import type { Session } from "./session.ts";
import type { AddressBudget } from "./address-budget.ts";
import type { FlushScheduler } from "./flush-scheduler.ts";

export interface IntakeParts {
  readonly intakeLimits: IntakeLimits;
  readonly turn: Pick<FlushScheduler, "monotonic" | "ordinal">;
  /** None where an address may say what its sockets may. */
  readonly addressBudget: Pick<AddressBudget, "of" | "spend"> | undefined;
}

/** What a socket may say, made with the first that it says. */
export const intakeOf = ({ intakeLimits, turn, addressBudget }: IntakeParts, session: Session): Intake =>
  (session.intake ??= new Intake(intakeLimits, turn, session.birth.address, addressBudget));
