import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { ChatProvider, useConnection } from "@jichat/react";

/** What a server makes of a page: it has no chat, and the browser has one soon. */
const Status = () => createElement("p", null, useConnection().state);

console.log(renderToString(createElement(ChatProvider, { chat: undefined }, createElement(Status))));
