// What is pasted from Word or a web page, as Markdown: headings, lists, tables, links and bold stay, styles and scripts go.
// The pasted page is read in a document of its own, where nothing runs and nothing loads; only its text is ever used.
const policy = globalThis.trustedTypes?.createPolicy('pasted', { createHTML: (html) => html })

const SKIPPED = new Set(['SCRIPT', 'STYLE', 'META', 'LINK', 'TITLE', 'HEAD', 'TEMPLATE', 'IFRAME', 'OBJECT', 'SVG', 'MATH', 'NOSCRIPT', 'INPUT', 'BUTTON', 'SELECT', 'TEXTAREA', 'XML'])
const BLOCKS = new Set(['P', 'DIV', 'SECTION', 'ARTICLE', 'HEADER', 'FOOTER', 'MAIN', 'ASIDE', 'BLOCKQUOTE', 'UL', 'OL', 'LI', 'TABLE', 'H1', 'H2', 'H3', 'H4', 'H5', 'H6', 'PRE', 'DL', 'DT', 'DD', 'BODY', 'HR'])
const SAFE = /^(https?:|mailto:|tel:|#)/i

/** Returns the Markdown of a piece of HTML. */
export const markdownOf = (html) => {
  // The page's own policy would refuse styles and handlers one by one, and say so each time.
  const plain = html.replace(/<style[\s\S]*?<\/style>/gi, '').replace(/\s(style|on\w+)\s*=/gi, ' data-$1=')
  const page = new DOMParser().parseFromString(policy ? policy.createHTML(plain) : plain, 'text/html')
  return blocks(page.body).join('\n\n').replace(/\n{3,}/g, '\n\n').trim()
}

const skipped = (node) => SKIPPED.has(node.nodeName.toUpperCase()) || node.nodeName.includes(':') || /mso-list:\s*ignore/i.test(styleOf(node))
const styleOf = (node) => node.getAttribute?.('data-style') ?? ''
const isBlock = (node) => BLOCKS.has(node.nodeName)
const tidy = (text) => text.replace(/[ \t\n\r\u00a0]+/g, ' ').trim()
const escaped = (text) => text.replace(/([\\`*_[\]<>])/g, '\\$1')

/** The words of a node with bold, links and line breaks. */
const inline = (node) => {
  if (node.nodeType === 3) return escaped(node.data.replace(/\s+/g, ' '))
  if (node.nodeType !== 1 || skipped(node)) return ''
  if (node.nodeName === 'BR') return '\n'
  const inside = [...node.childNodes].map(inline).join('')
  const words = tidy(inside)
  const weight = /font-weight:\s*(\w+)/i.exec(styleOf(node))?.[1] ?? ''
  const bold = (/^(B|STRONG)$/.test(node.nodeName) && weight !== 'normal' && weight !== '400') || weight === 'bold' || Number(weight) >= 600
  if (bold && words && !words.includes('**')) return around(inside, `**${words}**`)
  const target = node.nodeName === 'A' ? node.getAttribute('href') ?? '' : ''
  if (words && SAFE.test(target.trim())) return around(inside, `[${words}](${target.trim().replace(/[\s()<>]/g, encodeURIComponent)})`)
  return inside
}
/** Puts marked words where the unmarked stood, with the spaces outside the marks. */
const around = (inside, marked) => `${/^\s/.test(inside) ? ' ' : ''}${marked}${/\s$/.test(inside) ? ' ' : ''}`

const paragraph = (nodes) => nodes.map(inline).join('').split('\n').map(tidy).filter(Boolean).join('  \n').replace(/^(#|>|\+|-|\d+[.)])(?=\s)/, '\\$1')

/** The blocks of a node in reading order; runs of inline nodes between blocks are paragraphs. */
const blocks = (root) => {
  const found = []
  let run = []
  let list = []
  const endRun = () => { const text = paragraph(run); if (text) found.push(text); run = [] }
  const endList = () => { if (list.length) found.push(list.join('\n')); list = [] }
  for (const node of root.childNodes) {
    if (node.nodeType === 1 && skipped(node)) continue
    if (node.nodeType !== 1 || !isBlock(node)) {
      // A wrapper such as Google's <b> or a <span> may hold blocks of its own.
      if (node.nodeType === 1 && [...node.querySelectorAll('*')].some(isBlock)) { endRun(); endList(); found.push(...blocks(node)) }
      else { if (tidy(node.textContent)) endList(); run.push(node) }
      continue
    }
    endRun()
    const item = wordItem(node)
    if (item) { list.push(item); continue }
    endList()
    found.push(...block(node))
  }
  endRun()
  endList()
  return found
}

const block = (node) => {
  const level = /^H([1-6])$/.exec(node.nodeName)
  if (level) return heading(Number(level[1]), node)
  if (node.nodeName === 'UL' || node.nodeName === 'OL') return [listOf(node, '').join('\n')].filter(Boolean)
  if (node.nodeName === 'TABLE') return table(node)
  if (node.nodeName === 'HR') return ['---']
  if (node.nodeName === 'BLOCKQUOTE') return blocks(node).map((text) => text.replace(/^/gm, '> '))
  if (/MsoTitle/.test(node.className)) return heading(1, node)
  const word = /mso-outline-level:\s*([1-6])/i.exec(styleOf(node)) ?? /MsoHeading([1-6])/.exec(node.className)
  return word ? heading(Number(word[1]), node) : blocks(node)
}
const heading = (level, node) => {
  const text = tidy(inline(node)).replace(/\*\*/g, '')
  return text ? [`${'#'.repeat(level)} ${text}`] : []
}

/** Word writes lists as paragraphs that say so in their style. */
const wordItem = (node) => {
  const style = styleOf(node)
  const level = /mso-list:\s*l\d+\s+level(\d+)/i.exec(style)
  if (node.nodeName !== 'P' || !level) return ''
  const sign = [...node.querySelectorAll('span')].find((span) => /mso-list:\s*ignore/i.test(styleOf(span)))
  const mark = /^\s*[\da-z]+[.)]/i.test(sign?.textContent ?? '') ? '1.' : '-'
  const text = tidy(inline(node))
  return text ? `${'   '.repeat(Number(level[1]) - 1)}${mark} ${text}` : ''
}

const listOf = (node, indent) => {
  const lines = []
  let number = 1
  for (const item of node.children) {
    if (item.nodeName === 'UL' || item.nodeName === 'OL') { lines.push(...listOf(item, `${indent}   `)); continue }
    if (item.nodeName !== 'LI') continue
    const mark = node.nodeName === 'OL' ? `${number++}.` : '-'
    const inner = [...item.childNodes].filter((child) => !/^(UL|OL)$/.test(child.nodeName))
    lines.push(`${indent}${mark} ${tidy(inner.map(inline).join(' '))}`)
    for (const deeper of item.children) {
      if (/^(UL|OL)$/.test(deeper.nodeName)) lines.push(...listOf(deeper, `${indent}   `))
    }
  }
  return lines
}

const table = (node) => {
  const rows = [...node.rows].map((row) => [...row.cells].map((cell) => tidy(inline(cell)).replace(/\|/g, '\\|')))
  const width = Math.max(0, ...rows.map((row) => row.length))
  if (!width) return []
  const line = (cells) => `| ${Array.from({ length: width }, (_none, at) => cells[at] ?? '').join(' | ')} |`
  return [[line(rows[0]), line(Array(width).fill('---')), ...rows.slice(1).map(line)].join('\n')]
}
