// The customers' page.
import { render } from 'preact';
import { startTheme } from '../shared/prefs';
import { startRouter } from '../shared/router';
import { App } from './app';
import { forgetBets } from './mybets';
import { feed, session, startSession } from './session';
import { finishAttempts } from './slip';
import './style.css';

startTheme();
startRouter();
feed.start();
startSession();
session.watch(() => {
  forgetBets();
  void finishAttempts();
});
void finishAttempts();

render(<App />, document.getElementById('app')!);
