// The plainest room there is on node's socket.io: what one client says, everybody in the room gets. Nothing kept.
const { Server } = require("socket.io");
const http = require("http").createServer();
const io = new Server(http);
io.on("connection", (socket) => {
  socket.join("arena");
  socket.on("message", (text) => io.to("arena").emit("message", text));
});
http.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 4096 });
