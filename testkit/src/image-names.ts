/** The default registry of images for the chart and ChatClusters, and the default version. */
export const REGISTRY = "ghcr.io/jichat";
export const VERSION = "0.1.0";
