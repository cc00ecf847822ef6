import { ProjectWizard } from "./owner";
import { ProjectsPage } from "./pages/projects";
import { MissingPage } from "./pages/missing";
import { Layout } from "./ui/layout";
import { useRoute } from "./ui/location";

export function App() {
  return (
    <Layout>
      <Current />
    </Layout>
  );
}

function Current() {
  const route = useRoute();
  switch (route.page) {
    case "projects":
      return <ProjectsPage />;
    case "create":
      return <ProjectWizard />;
    default:
      return <MissingPage />;
  }
}
