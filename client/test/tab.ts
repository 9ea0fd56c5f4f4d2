/** A page that a test shows and hides. */
export class Tab extends EventTarget {
  visibilityState = "visible";
  /** Who is told of changes. */
  readonly watchers = new Set<unknown>();

  override addEventListener(...args: Parameters<EventTarget["addEventListener"]>): void {
    super.addEventListener(...args);
    this.watchers.add(args[1]);
  }

  override removeEventListener(...args: Parameters<EventTarget["removeEventListener"]>): void {
    super.removeEventListener(...args);
    this.watchers.delete(args[1]);
  }

  turn(to: "visible" | "hidden"): void {
    this.visibilityState = to;
    this.dispatchEvent(new Event("visibilitychange"));
  }
}
