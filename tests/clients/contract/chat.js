// From contracts/chat.md ("Chat WebSocket API Documentation", Example Implementation, JavaScript Client), below this line to the letter.
class ChatClient {
  constructor(token) {
    this.token = token;
    this.ws = null;
    this.currentRoom = null;
  }

  connect() {
    this.ws = new WebSocket('ws://localhost:8080/ws/chat', [], {
      headers: {
        'Authorization': `Bearer ${this.token}`
      }
    });

    this.ws.onopen = () => {
      console.log('Connected to chat');
    };

    this.ws.onmessage = (event) => {
      const message = JSON.parse(event.data);
      this.handleMessage(message);
    };

    this.ws.onclose = () => {
      console.log('Disconnected from chat');
    };
  }

  handleMessage(message) {
    switch (message.type) {
      case 'room_created':
        console.log('Room created:', message.data);
        break;
      case 'rooms_list':
        console.log('Available rooms:', message.data);
        break;
      case 'error':
        console.error('Chat error:', message.data.message);
        break;
      default:
        // Handle chat messages
        if (message.id) {
          console.log('New message:', message);
        }
    }
  }

  createRoom(name, type = 'public', maxUsers = 100) {
    this.send('create_room', {
      name,
      type,
      max_users: maxUsers
    });
  }

  listRooms(type = null) {
    this.send('list_rooms', { type });
  }

  joinRoom(roomId) {
    this.send('join_room', { room_id: roomId });
    this.currentRoom = roomId;
  }

  leaveRoom() {
    this.send('leave_room', {});
    this.currentRoom = null;
  }

  sendMessage(content) {
    if (!this.currentRoom) {
      console.error('Not in a room');
      return;
    }

    this.send('send_message', {
      type: 'text',
      content,
      room_id: this.currentRoom
    });
  }

  send(type, data) {
    if (this.ws && this.ws.readyState === WebSocket.OPEN) {
      this.ws.send(JSON.stringify({ type, data }));
    }
  }
}

// Usage
const client = new ChatClient('your-jwt-token');
client.connect();

// Create a room
client.createRoom('My Chat Room');

// List rooms
client.listRooms();

// Join a room
client.joinRoom('room-uuid');

// Send a message
client.sendMessage('Hello, everyone!');
