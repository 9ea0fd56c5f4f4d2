/** Where the page is installed as an app, its icon shows the number. Other browsers have no such method. */
export async function showBadge(count: number): Promise<void> {
  const { setAppBadge } = navigator as { readonly setAppBadge?: (count: number) => Promise<void> };
  try {
    await setAppBadge?.call(navigator, count);
  } catch (error) {
    console.debug("the browser shows no badge", error);
  }
}
