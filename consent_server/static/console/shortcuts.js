// Keyboard shortcuts of the editor; the dialog #keys lists them.
const TABLE = '\n| | |\n| --- | --- |\n| | |\n'

export const listen = ({ form, save, loadPreview, insert }) => {
  const dialog = document.getElementById('keys')
  const rows = () => [...form.querySelectorAll('.editor-row')]
  const field = () => (document.activeElement?.classList.contains('part') ? document.activeElement : null)

  /** Goes to the section a step away, in the same language. */
  const step = (by) => {
    const here = field()
    const all = rows()
    const at = here ? all.indexOf(here.closest('.editor-row')) : -1
    const row = all[Math.min(all.length - 1, Math.max(0, at + by))]
    row?.querySelector(`textarea.part[lang="${here?.lang ?? form.querySelector('.part').lang}"]`)?.focus()
  }
  const other = () => {
    const here = field()
    const all = [...(here?.closest('.editor-row').querySelectorAll('textarea.part') ?? [])]
    all[(all.indexOf(here) + 1) % all.length]?.focus()
  }
  const finding = () => {
    const all = [...form.querySelectorAll('.editor-findings > details > summary')]
    const here = document.activeElement
    const next = all.find((each) => here && here.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING && !each.contains(here)) ?? all[0]
    if (!next) return
    next.parentElement.open = true
    next.focus()
    next.scrollIntoView({ block: 'center' })
  }
  const bold = () => {
    const here = field()
    if (here) insert(here, `**${here.value.slice(here.selectionStart, here.selectionEnd)}**`)
  }
  const table = () => {
    const here = field()
    if (here) insert(here, TABLE)
  }
  const preview = async () => {
    await loadPreview()
    document.getElementById('preview').scrollIntoView({ block: 'start' })
  }
  const list = () => dialog.showModal()

  const chords = {
    'mod+s': save,
    'mod+b': bold,
    'mod+/': list,
    'alt+arrowdown': () => step(1),
    'alt+arrowup': () => step(-1),
    'alt+o': other,
    'alt+f': finding,
    'alt+t': table,
    'alt+p': preview,
  }
  addEventListener('keydown', (event) => {
    // On a Mac, Alt makes letters into other signs; the key itself is what is meant.
    const key = event.altKey && event.code.startsWith('Key') ? event.code.slice(3).toLowerCase() : event.key.toLowerCase()
    const held = `${event.ctrlKey || event.metaKey ? 'mod+' : ''}${event.altKey ? 'alt+' : ''}`
    const typing = event.target.closest('textarea, input, select')
    const act = chords[held + key] ?? (event.key === '?' && !typing ? list : null)
    if (!act || dialog.open || event.isComposing) return
    event.preventDefault()
    act()
  })
  form.querySelector('[data-keys]').addEventListener('click', list)
}
