import { paths } from "../router";
import { Link } from "../ui/link";

export function MissingPage() {
  return (
    <>
      <h1>No such page</h1>
      <p>
        The address names nothing here. <Link to={paths.projects()}>All projects</Link>
      </p>
    </>
  );
}
