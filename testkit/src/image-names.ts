/**
 * Where chart and ChatClusters look for images unless they are told otherwise, and the version they ask
 * for.
 */
export const REGISTRY = "ghcr.io/jichat";
export const VERSION = "0.1.0";
