# From contracts/rooms.md ("GoalsGuild Messaging Service", REST API Usage), below this line to the letter.
# Health check
curl http://localhost:8000/health

# Get room connections
curl -H "Authorization: Bearer your-jwt-token" \
     http://localhost:8000/rooms/ROOM-123/connections

# Broadcast message
curl -X POST \
     -H "Authorization: Bearer your-jwt-token" \
     -H "Content-Type: application/json" \
     -d '{"text": "Hello everyone!"}' \
     http://localhost:8000/rooms/ROOM-123/broadcast
