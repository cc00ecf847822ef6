import { render } from "preact";

import "./styles/base.css";
import "./styles/parts.css";
import "./styles/controls.css";
import "./styles/plots.css";
import "./styles/wallet.css";
import { App } from "./app";
import { applyTheme, readTheme } from "./ui/theme";
import { connection } from "./wallet";

applyTheme(readTheme());
connection.start();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
