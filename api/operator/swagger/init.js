// Swagger UI over this server's own description; it asks nobody else for anything.
addEventListener("DOMContentLoaded", function () {
  SwaggerUIBundle({
    url: "/api/docs/openapi.json",
    dom_id: "#ui",
    validatorUrl: null,
    deepLinking: true,
    docExpansion: "none",
    persistAuthorization: false,
    requestInterceptor: function (request) {
      if (!["GET", "HEAD", "OPTIONS"].includes((request.method || "GET").toUpperCase()) && window.orchToken) {
        request.headers["X-CSRF-Token"] = window.orchToken;
      }
      return request;
    },
  });
  fetch("/api/v1/auth/me").then(function (answer) { return answer.json(); }).then(function (me) {
    window.orchToken = me.csrf_token;
  });
});
