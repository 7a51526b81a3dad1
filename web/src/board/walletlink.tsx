// The balance in the header.
import { useCell } from '../shared/cell';
import { Money } from './parts';
import { wallet } from './session';

export function WalletLink() {
  const now = useCell(wallet);
  return (
    <a class="balance" href="/wallet">
      <span class="hidden">Balance </span>
      {now ? <Money amount={now.balance} currency={now.currency} /> : 'Wallet'}
    </a>
  );
}
