import { Type } from "typebox";
import { rules, word } from "./kinds.ts";

const optional = Type.Optional;

export const network = Type.Object(
  {
    ipFamilyPolicy: optional(
      word(["SingleStack", "PreferDualStack", "RequireDualStack"], {
        description: "of every Service; Kubernetes's own choice where it is left out",
      }),
    ),
    ipFamilies: optional(
      Type.Array(word(["IPv4", "IPv6"]), {
        minItems: 1,
        maxItems: 2,
        "x-kubernetes-list-type": "atomic",
        description: "of every Service, the first one first",
      }),
    ),
    dnsPorts: Type.Array(Type.Integer({ minimum: 1, maximum: 65_535 }), {
      default: [53, 5353],
      minItems: 1,
      maxItems: 4,
      "x-kubernetes-list-type": "set",
      description: "where pods that resolve names listen, for NetworkPolicies; OpenShift's do on 5353",
    }),
  },
  {
    default: {},
    description: "what the Kubernetes cluster's network is like",
    ...rules(
      {
        rule: "!has(self.ipFamilies) || self.ipFamilies.size() == 1 || (self.ipFamilies[0] != self.ipFamilies[1] && has(self.ipFamilyPolicy) && self.ipFamilyPolicy != 'SingleStack')",
        message:
          "network.ipFamilies has two entries: they must differ, and network.ipFamilyPolicy must be PreferDualStack or RequireDualStack",
      },
      {
        rule: "!has(self.ipFamilies) || !has(oldSelf.ipFamilies) || self.ipFamilies[0] == oldSelf.ipFamilies[0]",
        message:
          "network.ipFamilies cannot begin with another family: Services keep their first address. Add the other family as the second, or make another ChatCluster",
      },
    ),
  },
);
