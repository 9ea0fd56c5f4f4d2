import type { UninstallConfig } from "./config.ts";
import type { ChatCluster } from "./crd/definition.ts";
import type { KubeApi } from "./kube/api.ts";
import type { KubeObject } from "./kube/object.ts";
import { RESOURCES } from "./kube/object.ts";
import { objections } from "./objections.ts";

const PAGE = 500;

async function clustersOf(
  api: Pick<KubeApi, "list">,
  namespaces: readonly string[],
): Promise<readonly ChatCluster[]> {
  const clusters: ChatCluster[] = [];
  for (const namespace of namespaces.length === 0 ? [undefined] : namespaces) {
    let page: string | undefined;
    do {
      const query = { limit: PAGE, continue: page };
      const list = await api.list<ChatCluster & KubeObject>(RESOURCES.chatClusters, namespace, query);
      clusters.push(...list.items);
      page = list.next;
    } while (page !== undefined);
  }
  return clusters;
}

/** The message for the chart's hook before an uninstall, and whether the uninstall may go on. */
export async function beforeUninstall(
  config: UninstallConfig,
  api: Pick<KubeApi, "list">,
): Promise<{ readonly ok: boolean; readonly text: string }> {
  const clusters = await clustersOf(api, config.watchNamespaces);
  const me = `${config.namespace}/${config.lease}`;
  const said = objections(clusters, { me, crdGoes: config.crdGoes });
  if (said.length > 0) return { ok: false, text: `${said.join("\n")}\n` };
  return { ok: true, text: `ChatClusters that go on running without the operator: ${clusters.length}\n` };
}
