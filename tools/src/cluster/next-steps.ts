export interface Here {
  /** The command prefix for every program that talks to the cluster. */
  readonly enter: readonly string[];
  readonly helm: string;
  readonly kubectl: string;
  /** The manifest of a ChatCluster named `chat`. */
  readonly sample: string;
  /** Additional arguments for `helm install`. */
  readonly values?: readonly string[];
}

/** The next steps for a cluster that has the images: shell commands, run from the project's folder. */
export function nextSteps({ enter, helm, kubectl, sample, values = [] }: Here): readonly string[] {
  const line = (...words: readonly string[]): string => [...enter, ...words].join(" ");
  return [
    line(helm, "install jichat ./chart -n jichat --create-namespace", ...values),
    line(kubectl, `apply -n jichat -f ${sample}`),
    line(kubectl, "get chat -n jichat --watch"),
    line(helm, "test jichat -n jichat"),
  ];
}

/** The sample, with managed backends that run from images in the cluster. */
export const withBackends = (sample: string, images: Readonly<Record<string, string>>): string =>
  Object.entries(images).reduce(
    (text, [backend, image]) =>
      text.replace(
        new RegExp(`(  ${backend}: \\{ managed: \\{)(.*?)\\} \\}$`, "m"),
        (_, before: string, rest: string) => {
          const fields = rest.trim();
          return `${before} image: "${image}"${fields === "" ? "" : `, ${fields}`} } }`;
        },
      ),
    sample,
  );
