/** Entry of dist/memory-map.js, and of the style sheet beside it. */
import './style.css';
import './main.ts';
