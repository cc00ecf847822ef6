import { useToken } from "../../api/deployment";
import { usePaged } from "../../api/paged";
import type { ProjectSummary } from "../../api/schema";
import { Empty, Loaded } from "../../ui/loaded";
import { useLocation } from "../../ui/location";
import { Link } from "../../ui/link";
import { More } from "../../ui/more";
import { useTitle } from "../../ui/title";
import { paths } from "../../router";
import { FilterForm } from "./filter-form";
import { readFilters, toQuery } from "./filters";
import { ProjectCard } from "./project-card";

export function ProjectsPage() {
  const filters = readFilters(useLocation().search);
  const decimals = useToken(filters.token ?? null)?.decimals ?? null;
  const list = usePaged<ProjectSummary>("/v1/projects", toQuery(filters, decimals));
  const filtered = Object.keys(filters).length > 0;
  useTitle("Projects");
  return (
    <>
      <h1>Projects</h1>
      <p class="about">
        Owners escrow a budget for a model; trainers earn by what their updates contribute. Every figure can be computed
        again from public data.
      </p>
      <FilterForm filters={filters} />
      <Loaded answer={list} what="projects">
        {(projects) =>
          projects.length === 0 ? (
            <Empty>
              {filtered ? (
                <>
                  No project matches. <Link to={paths.projects()}>Show all</Link>
                </>
              ) : (
                <>
                  No project yet. <Link to={paths.create()}>Create the first</Link>
                </>
              )}
            </Empty>
          ) : (
            <ul class="cards" aria-label="Projects, the newest first">
              {projects.map((project) => (
                <ProjectCard key={project.id} project={project} />
              ))}
            </ul>
          )
        }
      </Loaded>
      <More list={list} />
    </>
  );
}
