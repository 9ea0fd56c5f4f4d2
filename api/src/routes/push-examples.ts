/** Requests for the reference. The key is that of RFC 8291, appendix A. */
export const WISHES = [
  {
    kind: "webpush",
    subscription: {
      endpoint: "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
      keys: {
        p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        auth: "BTBZMqHH6r4Tts7J_aSIgg",
      },
    },
    locale: "en-GB",
    preview: "sender",
    quiet: { from: "22:00", to: "07:00", zone: "Europe/Berlin" },
  },
  { kind: "fcm", token: "c4zZ-token-of-the-app", locale: "zh-Hans", preview: "text" },
] as const;
