/** The specification of a project: what the chain need not know, from storage. */

import { useOnce } from "./deployment";
import type { ProjectSpec } from "./schema";

/** Null until it is there, and where storage does not have it. */
export function useSpec(projectId: string): ProjectSpec | null {
  return useOnce<ProjectSpec>(`/v1/projects/${projectId}/spec`);
}
