import { render } from 'react-dom';
import { App } from './app';
import './styles/base.css';
import './styles/layout.css';
import './styles/messages.css';
import './styles/controls.css';
import './styles/doors.css';

const root = document.getElementById('app');
if (root) render(<App />, root);
