// Shows the description that this server gives of itself, and asks nobody else:
// no validator, no fonts, no pictures from elsewhere.
SwaggerUIBundle({
  dom_id: "#swagger-ui",
  url: "openapi.json",
  validatorUrl: null,
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  // HEAD mirrors GET: half the page would say so.
  plugins: [
    () => ({
      statePlugins: {
        spec: {
          wrapSelectors: {
            taggedOperations: (original) => (state, ...rest) =>
              original(state, ...rest).map((tag) =>
                tag.update("operations", (list) => list.filter((one) => one.get("method") !== "head"))),
          },
        },
      },
    }),
  ],
});
