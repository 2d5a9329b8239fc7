// The plainest room there is on node's `ws`: what one client says, everybody gets. One room, nothing kept.
const { WebSocketServer } = require("ws");
const server = new WebSocketServer({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 4096 });
server.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", (data) => {
    const text = data.toString();
    for (const client of server.clients) client.send(text);
  });
});
