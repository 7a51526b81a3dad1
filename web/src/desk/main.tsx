import { render } from 'preact';
import './style.css';

function App() {
  return <h1>Desk · Overround</h1>;
}

render(<App />, document.getElementById('app')!);
