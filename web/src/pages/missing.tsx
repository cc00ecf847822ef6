import { paths } from "../router";
import { Link } from "../ui/link";
import { Untitled } from "../ui/title";

export function MissingPage() {
  return (
    <>
      <Untitled name="No such page" />
      <p>
        The address names nothing here. <Link to={paths.projects()}>All projects</Link>
      </p>
    </>
  );
}
