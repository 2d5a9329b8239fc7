// From contracts/rooms.md ("GoalsGuild Messaging Service", Usage, WebSocket Connection), below this line to the letter.
const token = 'your-jwt-token';
const roomId = 'ROOM-123'; // or 'GUILD#guild-456' for guild rooms
const ws = new WebSocket(`ws://localhost:8000/ws/rooms/${roomId}?token=${token}`);

ws.onopen = () => {
    console.log('Connected to room');
};

ws.onmessage = (event) => {
    const message = JSON.parse(event.data);
    console.log('Received:', message);
};

// Send a message
ws.send(JSON.stringify({
    text: 'Hello world!'
}));
