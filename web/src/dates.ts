import { language } from "./i18n.ts";

/**
 * The reader's own form of the page's language, such as `en-GB`, so that times and dates are written as they
 * are used to. The page's language alone if the browser names no form of it.
 */
export const localeOf = (page: string, wanted: readonly string[]): string =>
  wanted.find((tag) => tag.toLowerCase().split("-")[0] === page) ?? page;

const FORMS = {
  time: { timeStyle: "short" },
  day: { weekday: "long", day: "numeric", month: "long" },
  dayOfYear: { weekday: "long", day: "numeric", month: "long", year: "numeric" },
  date: { day: "numeric", month: "short" },
  month: { year: "numeric", month: "short" },
  exact: { dateStyle: "full", timeStyle: "medium" },
  moment: { dateStyle: "medium", timeStyle: "short" },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;

/** Making a format takes a hundred times as long as using it. */
const made = new Map<string, Intl.DateTimeFormat>();

function inForm(form: keyof typeof FORMS, ts: number): string {
  const locale = localeOf(language(), navigator.languages);
  const key = `${locale} ${form}`;
  const format = made.get(key) ?? new Intl.DateTimeFormat(locale, FORMS[form]);
  made.set(key, format);
  return format.format(ts);
}

export const timeOf = (ts: number): string => inForm("time", ts);
export const exactTimeOf = (ts: number): string => inForm("exact", ts);
export const momentOf = (ts: number): string => inForm("moment", ts);
export const dayOf = (ts: number, now = Date.now()): string =>
  inForm(new Date(ts).getFullYear() === new Date(now).getFullYear() ? "day" : "dayOfYear", ts);

const DAY_MS = 86_400_000;
/** Earlier days are named by their month alone. */
const DATE_MS = 180 * DAY_MS;

/** The day of a time, by the clock of the page. It is for comparing alone: it is in no reader's language. */
export const dateOf = (ts = Date.now()): string => new Date(ts).toDateString();

/** The time for today, the date for earlier days: the list has room for only one. */
export function whenOf(ts: number, now = Date.now()): string {
  if (dateOf(ts) === dateOf(now)) return timeOf(ts);
  return inForm(now - ts < DATE_MS ? "date" : "month", ts);
}

/** When the next day begins for most people: at 8 in the morning, by the clock of the page. */
export function tomorrowAfter(now: number): number {
  const day = new Date(now);
  day.setDate(day.getDate() + 1);
  return day.setHours(8, 0, 0, 0);
}
