import { ProjectWizard } from "./owner";
import { AggregatorPage } from "./pages/aggregator";
import { AggregatorsPage } from "./pages/aggregators";
import { MissingPage } from "./pages/missing";
import { ProjectPage } from "./pages/project";
import { ProjectsPage } from "./pages/projects";
import { QuotePage } from "./pages/quote";
import { RoundPage } from "./pages/round";
import { TrainerPage } from "./pages/trainer";
import { Layout } from "./ui/layout";
import { useRoute } from "./ui/location";

export function App() {
  return (
    <Layout>
      <Current />
    </Layout>
  );
}

/** Pages of different things are different pages: nothing of one is kept for the other. */
function Current() {
  const route = useRoute();
  switch (route.page) {
    case "projects":
      return <ProjectsPage />;
    case "project":
      return <ProjectPage key={route.id} id={route.id} />;
    case "round":
      return <RoundPage key={`${route.id}.${route.round}`} {...route} />;
    case "trainer":
      return <TrainerPage key={route.address} address={route.address} />;
    case "aggregators":
      return <AggregatorsPage />;
    case "aggregator":
      return <AggregatorPage key={route.address} address={route.address} />;
    case "quote":
      return <QuotePage />;
    case "create":
      return <ProjectWizard />;
    default:
      return <MissingPage />;
  }
}
