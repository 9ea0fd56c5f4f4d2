import { useSyncExternalStore } from "preact/compat";
import type { ChatModel } from "./model.ts";

/**
 * What `select` finds in the model. The component is drawn again when that is another value, and only then:
 * so `select` returns the same object for the same content.
 */
export const useShown = <T>(model: ChatModel, select: (model: ChatModel) => T): T =>
  useSyncExternalStore(model.watch, () => select(model));
