/** Asks the backend. Every failure is an `ApiError` in the backend's own words, or says that nobody answered. */

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  errors?: { location: string[]; message: string }[];
}

export class ApiError extends Error {
  /** `problem` is null where no answer came at all. */
  constructor(readonly problem: Problem | null) {
    super(problem === null ? "The backend does not answer." : (problem.detail ?? problem.title));
    this.name = "ApiError";
  }

  get status(): number {
    return this.problem?.status ?? 0;
  }

  get isOffline(): boolean {
    return this.problem === null;
  }
}

export type Query = Record<string, string | number | null | undefined>;

/** A path with the parameters that have a value. */
export function buildPath(path: string, query: Query = {}): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") given.set(name, String(value));
  }
  const text = given.toString();
  return text === "" ? path : `${path}?${text}`;
}

async function request(path: string, init: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(null);
  }
  if (!answer.ok) throw new ApiError(await readProblem(answer));
  return answer;
}

async function readProblem(answer: Response): Promise<Problem> {
  const fallback = { type: "about:blank", title: answer.statusText || `HTTP ${answer.status}`, status: answer.status };
  try {
    return { ...fallback, ...((await answer.json()) as Partial<Problem>) };
  } catch {
    return fallback;
  }
}

export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const answer = await request(buildPath(path, query), signal === undefined ? {} : { signal });
  return (await answer.json()) as T;
}

/** Sends a JSON body. `token` is a session's or an API key's. */
export async function post<T>(path: string, body: unknown, token?: string): Promise<T> {
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (token !== undefined) headers["Authorization"] = `Bearer ${token}`;
  const answer = await request(path, { method: "POST", headers, body: JSON.stringify(body) });
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}
