const FORM = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@,\s]+$/i;

/**
 * An origin as browsers write it: `https://Chat.Example:443` is `https://chat.example`. Apps may have a scheme
 * of their own, such as `capacitor://localhost`. Returns undefined for a text that is no origin, such as one
 * with a path.
 */
export function originOf(text: string): string | undefined {
  if (!FORM.test(text) || !URL.canParse(text)) return undefined;
  const { origin } = new URL(text);
  // A URL of any other scheme has no origin that it tells.
  return origin === "null" ? text.toLowerCase() : origin;
}
