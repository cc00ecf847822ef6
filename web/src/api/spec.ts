/** The specification of a project: what the chain need not know, from storage. */

import { shortenHex } from "../format/hex";
import { useOnce } from "./deployment";
import type { ProjectSpec } from "./schema";

/** Null until it is there, and where storage does not have it. */
export function useSpec(projectId: string): ProjectSpec | null {
  return useOnce<ProjectSpec>(`/v1/projects/${projectId}/spec`);
}

/** A project's title, or its id where there is none to be had. */
export function useTitleOf(projectId: string): string {
  return useSpec(projectId)?.title ?? `Project ${shortenHex(projectId)}`;
}
