// Checks a receipt in the visitor's own browser: signature by WebCrypto, then the log's proof and signed checkpoint.
// The same steps, in the same order, as the stand-alone verifier.

const textOf = (bytes) => new TextDecoder().decode(bytes)
const bytesOf = (text) => new TextEncoder().encode(text)
const unbase64 = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0))
const same = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i])

const sha256 = async (...parts) => {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', all))
}

const signed = async (key, signature, message) =>
  crypto.subtle.verify('Ed25519', await crypto.subtle.importKey('raw', key, 'Ed25519', false, ['verify']), signature, message)

/** The root that an inclusion proof leads to (RFC 9162, section 2.1.3.2); null if it has the wrong shape. */
const rootOf = async (leaf, index, size, path) => {
  let [fn, sn, root] = [index, size - 1, leaf]
  for (const sibling of path) {
    if (sn === 0) return null
    if (fn % 2 === 1 || fn === sn) {
      root = await sha256(Uint8Array.of(1), sibling, root)
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn / 2, Math.floor(sn / 2)]
    } else root = await sha256(Uint8Array.of(1), root, sibling)
    ;[fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)]
  }
  return sn === 0 ? root : null
}

/** Whether one of the log's published keys signed a checkpoint under the log's own name. */
const checkpointSigned = async (note, origin, vkeys) => {
  const cut = note.lastIndexOf('\n\n')
  const [text, lines] = [note.slice(0, cut + 1), note.slice(cut + 2).split('\n')]
  for (const vkey of vkeys) {
    const [name, , material] = [vkey.split('+')[0], '', vkey.split('+').slice(2).join('+')]
    const key = unbase64(material)
    const id = (await sha256(bytesOf(`${name}\n`), key)).slice(0, 4)
    for (const line of lines.filter((each) => each.startsWith(`— ${origin} `))) {
      const blob = unbase64(line.slice(origin.length + 3))
      if (name === origin && same(blob.slice(0, 4), id) && await signed(key.slice(1), blob.slice(4), bytesOf(text))) return true
    }
  }
  return false
}

const check = async (receipt, say) => {
  const parts = receipt.split('.')
  const header = JSON.parse(textOf(unbase64(parts[0])))
  const payload = unbase64(parts[1])
  const { keys } = await fetch('/.well-known/jwks.json').then((answer) => answer.json())
  const jwk = keys.find((key) => key.kid === header.kid)
  let genuine = false
  try {
    genuine = !!jwk && header.alg === 'Ed25519' && await signed(unbase64(jwk.x), unbase64(parts[2]), bytesOf(`${parts[0]}.${parts[1]}`))
  } catch {
    return say(null, 'unable')
  }
  say(genuine, 'signature')
  if (!genuine) return
  const log = `/log/${encodeURIComponent(header.log.split('/').pop())}`
  const answer = await fetch(`${log}/proof/${header.idx}.tlog-proof`)
  if (!answer.ok) return say(null, 'waiting')
  const proof = await answer.text()
  const cut = proof.indexOf('\n\n')
  const [lines, note] = [proof.slice(0, cut).split('\n'), proof.slice(cut + 2)]
  const [origin, size, root] = note.split('\n')
  const leaf = await sha256(Uint8Array.of(0), await sha256(payload))
  const found = await rootOf(leaf, header.idx, Number(size), lines.slice(2).map(unbase64))
  const proved = lines[1] === `index ${header.idx}` && origin === header.log && !!found && same(found, unbase64(root))
  say(proved, 'proof', { index: header.idx, size })
  const vkeys = (await fetch(`${log}/keys`).then((each) => each.text())).trim().split('\n')
  say(await checkpointSigned(note, header.log, vkeys), 'checkpoint')
}

const list = document.querySelector('[data-checks]')
if (list) {
  list.replaceChildren()
  const say = (right, name, values = {}) => {
    const item = document.createElement('li')
    const mark = document.createElement('span')
    item.className = right === null ? '' : right ? 'is-good' : 'is-bad'
    mark.className = 'mark'
    mark.textContent = right === null ? list.dataset.open : right ? list.dataset.right : list.dataset.wrong
    const words = right === false ? list.dataset[`${name}Wrong`] : list.dataset[name]
    item.append(mark, ` ${words.replace(/\{(\w+)\}/g, (_, key) => values[key])}`)
    list.append(item)
  }
  check(document.getElementById('f-receipt').value.trim(), say).catch(() => say(false, 'signature'))
}

const form = document.querySelector('[data-drop]')
const take = async (file) => {
  if (!file) return
  document.getElementById('f-receipt').value = (await file.text()).trim()
  form.requestSubmit()
}
form.addEventListener('dragover', (event) => event.preventDefault())
form.addEventListener('drop', (event) => {
  if (!event.dataTransfer.files.length) return
  event.preventDefault()
  take(event.dataTransfer.files[0])
})
