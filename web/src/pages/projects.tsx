import type { Page, ProjectSummary } from "../api/schema";
import { useGet } from "../api/use";
import { paths } from "../router";
import { Link } from "../ui/link";

export function ProjectsPage() {
  const { data, error } = useGet<Page<ProjectSummary>>("/v1/projects");
  return (
    <>
      <h1>Projects</h1>
      {error !== null && <p role="alert">{error.message}</p>}
      <ul>
        {data?.items.map((project) => (
          <li key={project.id}>
            <Link to={paths.project(project.id)}>{project.id}</Link>
          </li>
        ))}
      </ul>
    </>
  );
}
