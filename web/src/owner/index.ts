export { ProjectActions } from "./project-actions";
export { ProjectWizard } from "./wizard";
