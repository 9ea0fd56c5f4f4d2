import { Intake } from "./intake.ts";
import type { Session } from "./session.ts";
import type { World } from "./world.ts";

/** What a socket may say, made with the first that it says. */
export const intakeOf = (
  { intakeLimits, turn, addressBudget }: Pick<World, "intakeLimits" | "turn" | "addressBudget">,
  session: Session,
): Intake => (session.intake ??= new Intake(intakeLimits, turn, session.birth.address, addressBudget));
