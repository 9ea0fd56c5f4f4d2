/** Where the release and its ChatClusters are. */
export const NAMESPACE = "jichat";
/** Where the tests' hands are. */
export const HANDS = "jichat-e2e-hands";
