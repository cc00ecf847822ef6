import { render } from "preact";

import "./styles/base.css";
import { App } from "./app";
import { connection } from "./wallet";

connection.start();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
