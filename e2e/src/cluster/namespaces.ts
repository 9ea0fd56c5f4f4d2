/** The namespace of the release and its ChatClusters. */
export const NAMESPACE = "jichat";
/** The namespace of the tests' privileged pods. */
export const HANDS = "jichat-e2e-hands";
