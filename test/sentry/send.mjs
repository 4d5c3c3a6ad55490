// send.mjs DSN: reports one error of a request as a server in Node.js would, with @sentry/node.
// Everything that the proxy's reports have is set, so that the two can be compared.
import * as Sentry from "@sentry/node";

Sentry.init({
  dsn: process.argv[2],
  release: "peer@1.0",
  environment: "test",
  serverName: "peer",
  tracesSampleRate: 0,
  defaultIntegrations: false,
});

Sentry.withScope((scope) => {
  scope.setLevel("error");
  scope.setTag("request_id", "r-1");
  scope.setUser({ id: "7" });
  scope.setFingerprint(["a group"]);
  scope.setTransactionName("GET /users/{user_id}/days");
  scope.setExtra("seconds", "60");
  scope.setExtra("repeated", 3);
  scope.addBreadcrumb({ type: "default", level: "info", category: "http", message: "received" });
  scope.addEventProcessor((event) => ({
    ...event,
    logger: "http",
    request: {
      method: "GET",
      url: "http://127.0.0.1/users/7/days",
      query_string: "from=[Filtered]",
      headers: { Host: "127.0.0.1", "User-Agent": "peer" },
    },
    contexts: { ...event.contexts, runtime: { name: "node", version: process.version } },
  }));
  Sentry.captureException(new Error("it broke"));
});

process.exitCode = (await Sentry.flush(5000)) ? 0 : 1;
