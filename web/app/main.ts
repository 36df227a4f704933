/** The app's entry: registers the components, opens the swarm, and shows both. */
import "./app.ts";
import { Session } from "./session.ts";

const session = new Session();
for (const app of document.querySelectorAll("peerloom-app")) app.session = session;
void session.open();
